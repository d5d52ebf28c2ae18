"""Users: a UUID, an e-mail address to sign in with, and roles as groups."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from novamind.accounts.roles import DEVICE, PATIENT, RIGHTS, ROLES, SUPERUSER_RIGHTS
from novamind.phi.fields import EncryptedField


class UserQuerySet(models.QuerySet["User"]):
    """Accounts."""

    def staff(self) -> UserQuerySet:
        """Whoever has, or may have had, more to do here than a patient or a device: also who has no role any more."""
        outside = self.model.groups.through.objects.filter(user=OuterRef("pk"), group__name__in=[PATIENT, DEVICE])
        inside = self.model.groups.through.objects.filter(user=OuterRef("pk")).exclude(
            group__name__in=[PATIENT, DEVICE]
        )
        return self.filter(Q(is_staff=True) | Q(is_superuser=True) | Exists(inside) | ~Exists(outside))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates users; an address is one user whatever its letter case."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user with a usable password only if one is given."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """Someone who runs the place; sees no chart without a role and a grant."""
        return self.create_user(email, password, **({"is_staff": True, "is_superuser": True} | fields))

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a device that signs in. Rows are never deleted: a leaver is made inactive."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail", unique=True)
    display_name = models.CharField("name", max_length=120, blank=True)
    is_staff = models.BooleanField("may open the admin", default=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # What an identity provider signed before it opens nothing: it has no row here that could be ended.
    signed_out_at = models.DateTimeField(null=True, editable=False)

    # Where alerts are sent as text messages; typed by its owner and verified by nobody.
    phone = EncryptedField(max_length=20, null=True, blank=True, editable=False)

    objects = UserManager()
    key_owner: ClassVar[None] = None  # the clinic's own key

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        ordering = ["email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_one_user_per_address")]

    def __str__(self) -> str:
        return self.display_name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    @cached_property
    def roles(self) -> frozenset[str]:
        """Names of the user's roles; one query, then remembered on this object."""
        return frozenset(name for name in self.groups.values_list("name", flat=True) if name in ROLES)

    @property
    def role_label(self) -> str:
        """The roles in words, in the order of the table."""
        return ", ".join(role for role in ROLES if role in self.roles) or ("superuser" if self.is_superuser else "")

    @property
    def is_of_staff(self) -> bool:
        """Whether this account has more to do here than a patient or a device has."""
        return self.is_staff or self.is_superuser or bool(self.roles - {PATIENT, DEVICE})

    @property
    def trail_label(self) -> str:
        """Who this is in a trail that nobody can change: an address of staff, of anybody else an id."""
        named = self.is_of_staff or DEVICE in self.roles  # a device's address is made of its id
        return self.email if named else f"account {self.pk}"

    def may(self, right: str) -> bool:
        """Whether a role of this user has the right; ``KeyError`` for a right that does not exist."""
        allowed = RIGHTS[right]
        if not self.is_active:
            return False
        return bool(self.roles & allowed) or (self.is_superuser and right in SUPERUSER_RIGHTS)

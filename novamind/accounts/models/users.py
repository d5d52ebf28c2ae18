"""Users: a UUID, an e-mail address to sign in with, and roles as groups."""

from __future__ import annotations

import uuid
from functools import cached_property

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from novamind.accounts.roles import RIGHTS, ROLES, SUPERUSER_RIGHTS


class UserManager(BaseUserManager["User"]):
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

    objects = UserManager()

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

    def may(self, right: str) -> bool:
        """Whether a role of this user has the right; ``KeyError`` for a right that does not exist."""
        allowed = RIGHTS[right]
        if not self.is_active:
            return False
        return bool(self.roles & allowed) or (self.is_superuser and right in SUPERUSER_RIGHTS)

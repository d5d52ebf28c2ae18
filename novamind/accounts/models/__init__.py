"""People, their sign-ins, and the tokens they and their devices carry."""

from novamind.accounts.models.sign_ins import SignIn, UsedCode
from novamind.accounts.models.tokens import DeviceToken, RefreshToken, TokenFamily
from novamind.accounts.models.users import User, UserManager

__all__ = ["DeviceToken", "RefreshToken", "SignIn", "TokenFamily", "UsedCode", "User", "UserManager"]

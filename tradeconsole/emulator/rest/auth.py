"""Endpoints `Auth/*`."""

import hmac
from typing import Final

import msgspec

from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, NoBody, Payload, failure, success
from tradeconsole.emulator.scenario import LoginOutcome

_INVALID_CREDENTIALS: Final = 3
_APP_NOT_FOUND: Final = 4

_REFUSALS: Final = {
    LoginOutcome.AGREEMENTS_NOT_SIGNED: (
        7,
        "Please log into the ProjectX platform and complete the required agreements",
    ),
    LoginOutcome.NO_SUBSCRIPTION: (9, None),
    LoginOutcome.KEY_LOGIN_DISABLED: (10, None),
}


class LoginKey(msgspec.Struct, rename="camel"):
    user_name: str
    api_key: str


class LoginApp(msgspec.Struct, rename="camel"):
    user_name: str
    password: str
    device_id: str
    app_id: str
    verify_key: str


def login_key(gateway: Gateway, caller: Caller, request: LoginKey) -> Payload:
    """A token for a user name (in any case) and its API key."""
    user = gateway.users.get(caller.user)
    if user is None or not hmac.compare_digest(user.key.encode(), request.api_key.encode()):
        return failure(_INVALID_CREDENTIALS, token=None)
    if user.login is not LoginOutcome.OK:
        code, message = _REFUSALS[user.login]
        return failure(code, message, token=None)
    return success(token=gateway.tokens.issue(user.name))


def login_app(_gateway: Gateway, _caller: Caller, _request: LoginApp) -> Payload:
    """Licensed applications only, and none is licensed here."""
    return failure(_APP_NOT_FOUND, token=None)


def validate(gateway: Gateway, caller: Caller, _request: NoBody) -> Payload:
    """A fresh token; the old one stays valid."""
    return success(newToken=gateway.tokens.issue(caller.user))


def logout(gateway: Gateway, caller: Caller, _request: NoBody) -> Payload:
    """End this token alone (whether the real gateway ends all of the user's is unknown)."""
    if caller.claims is not None:
        gateway.tokens.revoke(caller.claims)
    return success()


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Auth/loginKey",
        operation="Auth_LoginKey",
        shape=LoginKey,
        handle=login_key,
        anonymous=True,
        payload={"token": str},
    ),
    Endpoint(
        path="/api/Auth/loginApp",
        operation="Auth_LoginApp",
        shape=LoginApp,
        handle=login_app,
        anonymous=True,
        payload={"token": str},
    ),
    Endpoint(
        path="/api/Auth/validate",
        operation="Auth_Validate",
        shape=NoBody,
        handle=validate,
        payload={"newToken": str},
    ),
    Endpoint(
        path="/api/Auth/logout",
        operation="Auth_Logout",
        shape=NoBody,
        handle=logout,
    ),
)

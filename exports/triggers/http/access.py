"""Authorizes a caller: who it is, by API key or access token, which tenant the request is for, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass

import azure.functions as func

from exports.request.identity import ANY_TENANT, Identity, identity_of_key
from exports.request.scopes import Scope
from exports.request.spec import SensitiveFields
from exports.request.token_access import TokenAuthenticator
from exports.steps.requests.give_link import Reader
from exports.triggers.http.problems import (
    FORBIDDEN,
    INVALID_API_KEY,
    INVALID_HEADER,
    INVALID_TOKEN,
    TENANT_REQUIRED,
    TOO_MANY_WRONG_KEYS,
)
from shared.access_tokens import IssuerUnavailableError, TokenRefusedError
from shared.api_keys import KeysUnavailableError
from shared.guess_limit import Guesser, GuessLimit
from shared.key_ring import KeyRing
from shared.problems import ProblemError

_HEADER = "x-api-key"
_CHALLENGE = "WWW-Authenticate"
_BEARER = 'Bearer realm="client-export"'


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorized caller: its identity, and the tenant that the request is for."""

    identity: Identity
    tenant: str

    @property
    def actor(self) -> str:
        """The name of the caller in the audit log."""
        return self.identity.actor

    @property
    def sensitive_fields(self) -> SensitiveFields:
        """Whether the exports of this caller may contain sensitive fields."""
        return SensitiveFields.ALLOWED if self.may(Scope.FIELDS_SENSITIVE) else SensitiveFields.REFUSED

    @property
    def reader(self) -> Reader:
        """The caller as a reader of jobs and files."""
        return Reader(self.actor, self.may(Scope.EXPORTS_READ), self.sensitive_fields)

    def may(self, scope: Scope) -> bool:
        """Return whether the caller has a scope for the tenant."""
        return scope.value in self.identity.scopes_for(self.tenant)


def authorize(
    req: func.HttpRequest, keys: KeyRing, scope: Scope, tokens: TokenAuthenticator | None, guesses: GuessLimit
) -> Caller:
    """Identify the caller, and check that it may send the request.

    The tenant is the one in the path, or the only one that the caller may use.

    Args:
        tokens: None: the service accepts API keys only, and ignores the header `Authorization`.
        guesses: Counts wrong keys and tokens.

    Raises:
        ProblemError: 401 if the API key or token is missing or not valid; 429 instead if too many wrong ones came from
            the same address; 403 if it does not open the tenant or lacks the scope; 400 if there are both, or if the
            path names no tenant and the caller may use several.
        KeysUnavailableError: The API keys cannot be read at the moment.
        IssuerUnavailableError: Tokens cannot be checked at the moment.
    """
    identity = identify(req, keys, tokens, guesses)
    caller = Caller(identity, _tenant(req.route_params.get("tenant"), identity))
    if not caller.may(scope):
        detail = f"This {identity.credentials} lacks the scope {scope.value}."
        raise ProblemError(FORBIDDEN, detail, headers=_insufficient(identity, scope))
    return caller


def identify(req: func.HttpRequest, keys: KeyRing, tokens: TokenAuthenticator | None, guesses: GuessLimit) -> Identity:
    """Identify the caller, whatever its key or token opens.

    A valid key or token always passes, however many wrong ones came from the same address: guessers may share it.

    Raises:
        ProblemError: 401 if the API key or token is missing or not valid; 429 instead if too many wrong ones came from
            the same address; 400 if there are both.
        KeysUnavailableError, IssuerUnavailableError: As `authorize`.
    """
    token = _bearer_token(req) if tokens else None
    guesser = guesses.caller(req.headers)
    if tokens is None or token is None:
        return _identify_by_key(req, keys, guesser, accepts_tokens=tokens is not None)
    if _HEADER in req.headers:
        headers = {_CHALLENGE: f'{_BEARER}, error="invalid_request"'}
        raise ProblemError(INVALID_HEADER, f"Send either {_HEADER} or a Bearer token, not both.", headers=headers)
    return _identify_by_token(token, tokens, guesser)


def is_known(req: func.HttpRequest, keys: KeyRing, tokens: TokenAuthenticator | None, guesses: GuessLimit) -> bool:
    """Return whether the request has a valid API key or token, whatever that opens. Raises nothing.

    A wrong key or token is counted as by `identify`. One that cannot be checked at the moment counts as none.
    """
    guesser = guesses.caller(req.headers)
    try:
        if tokens and (token := _bearer_token(req)) is not None:
            _identify_by_token(token, tokens, guesser)
        else:
            _identify_by_key(req, keys, guesser, accepts_tokens=tokens is not None)
    except (ProblemError, IssuerUnavailableError, KeysUnavailableError):
        return False
    return True


def _bearer_token(req: func.HttpRequest) -> str | None:
    scheme, _, token = req.headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _identify_by_key(req: func.HttpRequest, keys: KeyRing, guesser: Guesser, *, accepts_tokens: bool) -> Identity:
    presented = req.headers.get(_HEADER, "")
    key = keys.find(presented, by_guesser=guesser.is_slowed)
    if key is None:
        wanted, challenge = f"a valid API key in the header {_HEADER}", f'ApiKey header="{_HEADER}"'
        if accepts_tokens:
            wanted += ", or an access token in the header Authorization"
            challenge += f", {_BEARER}"
        detail = f"Send {wanted}. The key of this request is missing, mistyped, expired or revoked."
        problem = ProblemError(INVALID_API_KEY, detail, headers={_CHALLENGE: challenge})
        raise _counted(problem, guesser) if presented else problem  # a request without a key is no guess
    return identity_of_key(key)


def _identify_by_token(token: str, tokens: TokenAuthenticator, guesser: Guesser) -> Identity:
    try:
        return tokens.identify(token)
    except TokenRefusedError as error:
        headers = {_CHALLENGE: f'{_BEARER}, error="invalid_token"'}
        raise _counted(ProblemError(INVALID_TOKEN, str(error), headers=headers), guesser) from None


def _counted(problem: ProblemError, guesser: Guesser) -> ProblemError:
    """Count a wrong key or token. Return its problem, or 429 if too many came from the address of the caller."""
    seconds = guesser.count()
    if not seconds:
        return problem
    detail = f"{problem.detail} Too many wrong keys or tokens came from your address; a valid one works at once."
    return ProblemError(TOO_MANY_WRONG_KEYS, detail, headers={"Retry-After": str(seconds)})


def _tenant(named: str | None, identity: Identity) -> str:
    if named is not None:
        if not identity.opens(named):
            detail = f"This {identity.credentials} does not open that tenant.{identity.hint}"
            raise ProblemError(FORBIDDEN, detail)
        return named
    tenants = identity.tenants
    if not tenants:
        raise ProblemError(FORBIDDEN, f"This {identity.credentials} opens no tenant.{identity.hint}")
    if len(tenants) > 1 or ANY_TENANT in tenants:
        detail = f"This {identity.credentials} opens several tenants; call /tenants/{{tenant}}/… instead."
        raise ProblemError(TENANT_REQUIRED, detail)
    return next(iter(tenants))


def _insufficient(identity: Identity, scope: Scope) -> dict[str, str]:
    """Return the challenge of RFC 6750 for a token; an API key gets none."""
    if not identity.is_token:
        return {}
    return {_CHALLENGE: f'{_BEARER}, error="insufficient_scope", scope="{scope.value}"'}

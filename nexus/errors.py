"""Every error a client or an operator can see, and the HTTP reply that says so.

```text
NexusError                500  server_error            internal_error
├── ConfigError            -   start-up only: exit code 2
├── BadRequest            400  invalid_request_error   invalid_request
│   ├── CapabilityMissing 400  invalid_request_error   capability_missing
│   └── ContextExceeded   400  invalid_request_error   context_length_exceeded
├── Unauthorized          401  authentication_error    invalid_api_key
├── Forbidden             403  permission_error        forbidden
├── NotFound              404  invalid_request_error   not_found
│   └── ModelUnknown      404  invalid_request_error   model_not_found
├── MethodNotAllowed      405  invalid_request_error   method_not_allowed
├── Conflict              409  invalid_request_error   conflict
│   └── Outdated          412  invalid_request_error   outdated
├── BodyTooLarge          413  invalid_request_error   payload_too_large
├── WrongMediaType        415  invalid_request_error   unsupported_media_type
├── NoBackend             503  service_unavailable     no_backend_available
├── ZoneViolation         503  service_unavailable     zone_violation
├── ShuttingDown          503  server_error            shutting_down
├── Cancelled             503  server_error            cancelled
└── UpstreamError         502  server_error            upstream_error
    ├── UpstreamUnreachable    no connection: another backend may be tried
    │   └── NoConnection       not even begun: refused, no such host
    ├── UpstreamTimeout   504  no byte in time
    │   └── ConnectTimeout     not even begun: nobody took the connection
    └── UpstreamBroken         cut short or unreadable: never retried after the first byte
```

Raised anywhere, rendered in one place (`nexus.api.errors`). The envelope is OpenAI's:
`{"error": {"message", "type", "param", "code"}}`.
"""

from __future__ import annotations

from collections.abc import Mapping


class NexusError(Exception):
    """Base of the family. Class attributes are the reply; the argument is the sentence."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        context: Mapping[str, object] | None = None,
        retry_after_s: int | None = None,
        should_retry: bool | None = None,
    ) -> None:
        """Describe the situation.

        Args:
            message: one or two sentences for a person: what happened, what to do.
            param: the request field at fault, if one is.
            context: machine-readable circumstances, sent beside and inside `error`.
            retry_after_s: seconds for `Retry-After`.
            should_retry: `x-should-retry`, which the OpenAI SDKs obey before anything else.
        """
        super().__init__(message)
        self.message = message
        self.param = param
        self.context = context
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry
        self.model = ""
        """The model that was asked for, where the failing request named one."""
        self.lines = b""
        """Further header lines of the reply, each ended by CRLF."""
        self.told = False
        """True where an event has told of the request's end: nobody is to count it once more."""
        self.quoted = ""
        """What the backend said. It may quote the prompt: only the client hears it, no log."""


class ConfigError(NexusError):
    """The configuration cannot be used. Start-up only."""


class BadRequest(NexusError):
    """The client's request is at fault and will be at every backend."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class CapabilityMissing(BadRequest):
    """No backend that has the model can do what the request asks."""

    code = "capability_missing"


class ContextExceeded(BadRequest):
    """The prompt is longer than any backend's context for this model."""

    code = "context_length_exceeded"


class Unauthorized(NexusError):
    """Who asks is not known, and would have to be."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(NexusError):
    """Who asks is known, and may not do this."""

    status = 403
    type = "permission_error"
    code = "forbidden"


class NotFound(NexusError):
    """No such path or object."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class ModelUnknown(NotFound):
    """No backend lists this model."""

    code = "model_not_found"


class MethodNotAllowed(NexusError):
    """The path exists, the method does not."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class Conflict(NexusError):
    """The change contradicts what is there (a name taken twice)."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class Outdated(Conflict):
    """The change was made on something that has changed since; `context` has what is there now."""

    status = 412
    code = "outdated"


class BodyTooLarge(NexusError):
    """The request body is over `server.max_body_mb`."""

    status = 413
    type = "invalid_request_error"
    code = "payload_too_large"


class WrongMediaType(NexusError):
    """The request body is declared as something other than JSON."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_media_type"


class NoBackend(NexusError):
    """The model exists, and nothing may serve it now."""

    status = 503
    type = "service_unavailable"
    code = "no_backend_available"


class ZoneViolation(NexusError):
    """A connection would have left the request's privacy zone, and was not made."""

    status = 503
    type = "service_unavailable"
    code = "zone_violation"


class ShuttingDown(NexusError):
    """The gateway is leaving; another instance or a moment's patience will help."""

    status = 503
    code = "shutting_down"


class Cancelled(NexusError):
    """An operator ended the request while it ran."""

    status = 503
    code = "cancelled"


class UpstreamError(NexusError):
    """A backend failed. `backend` names it for the operator."""

    status = 502
    code = "upstream_error"


class UpstreamUnreachable(UpstreamError):
    """No connection, or one that closed before a byte of the answer came."""

    code = "upstream_unreachable"


class NoConnection(UpstreamUnreachable):
    """No connection came about: refused, no such host, TLS failed."""


class UpstreamTimeout(UpstreamError):
    """The backend was connected, and silent for too long."""

    status = 504
    code = "upstream_timeout"


class ConnectTimeout(UpstreamTimeout):
    """No connection came about in time."""


class UpstreamBroken(UpstreamError):
    """The answer was cut short or is not HTTP."""

    code = "upstream_broken"

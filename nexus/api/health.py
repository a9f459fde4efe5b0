"""`GET /health`: the fleet in five numbers (contract 2.7). Pure."""

from __future__ import annotations

from nexus.domain.fleet import Fleet


def report(fleet: Fleet, uptime_s: float, version: str) -> dict[str, object]:
    """The body. A backend that may be sent work counts as healthy, also when it is busy.

    `status` is healthy if all backends are, degraded if any is, else unhealthy.
    """
    total = len(fleet.backends)
    healthy = sum(backend.is_routable for backend in fleet.backends.values())
    status = "unhealthy"
    if healthy:
        status = "healthy" if healthy == total else "degraded"
    return {
        "status": status,
        "service": "nexus",
        "version": version,
        "uptime_seconds": int(uptime_s),
        "backends": {"total": total, "healthy": healthy, "unhealthy": total - healthy},
        "models": len(fleet.by_model) - len(fleet.implied),
    }

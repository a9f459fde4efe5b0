"""Who is let in at the control API's door, and as whom."""

from __future__ import annotations

import hashlib

import pytest

from nexus.api.guard import admit
from nexus.domain.access import Access, ControlKey, Role
from nexus.domain.audit import Actor
from nexus.errors import Forbidden, Unauthorized, WrongMediaType

KEY = "a key of more than sixteen characters"


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


GUARDED = Access(
    keys=(
        ControlKey("maria", Role.OPERATOR, digest(KEY)),
        ControlKey("wall", Role.VIEWER, digest("another")),
    ),
    guarded=True,
    local=None,
)


OPEN = Access()
"""Nothing is configured."""


def ask(
    access: Access = OPEN,
    *,
    client: str | None = "127.0.0.1",
    method: str = "GET",
    key: str | None = None,
    **headers: str,
) -> Actor:
    pairs = {"host": "127.0.0.1:8000", **{n.replace("_", "-"): v for n, v in headers.items()}}
    if key is not None:
        pairs["authorization"] = f"Bearer {key}"
    scope = {
        "method": method,
        "client": (client, 5) if client else None,
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }
    return admit(scope, access)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None])
def test_without_keys_this_machine_is_admin(client: str | None) -> None:
    assert ask(client=client) == Actor("api", "admin")
    assert ask(client=client, user_agent="nexus-cli") == Actor("cli", "admin")


@pytest.mark.parametrize("client", ["192.168.1.9", "::ffff:10.0.0.1", "fe80::1%eth0", "no address"])
def test_without_keys_other_machines_are_told_that_keys_would_help(client: str) -> None:
    with pytest.raises(Forbidden, match=r"\[\[control.keys\]\]"):
        ask(client=client)


@pytest.mark.parametrize("name", ["forwarded", "x_forwarded_for", "x_real_ip", "via"])
def test_a_proxy_on_this_machine_does_not_make_its_callers_local(name: str) -> None:
    with pytest.raises(Forbidden):
        ask(**{name: "10.0.0.9"})


def test_a_key_says_who_it_is_from_anywhere() -> None:
    assert ask(GUARDED, client="10.0.0.9", key=KEY) == Actor("api:maria", "operator")
    assert ask(GUARDED, client="10.0.0.9", key="another") == Actor("api:wall", "viewer")
    assert ask(GUARDED, key=KEY, host="gateway.lan", via="1.1 proxy").who == "api:maria"


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "x", "\udcff"])
def test_once_there_are_keys_nobody_comes_in_without_one(key: str | None) -> None:
    for client in ("127.0.0.1", "10.0.0.9"):
        with pytest.raises(Unauthorized) as refused:
            ask(GUARDED, client=client, key=key and key.encode("utf-8", "surrogateescape").hex())
        assert b"www-authenticate: Bearer" in refused.value.lines


def test_keys_that_cannot_be_used_still_close_the_door() -> None:
    with pytest.raises(Unauthorized):
        ask(Access(guarded=True, local=None))


def test_this_machine_may_keep_a_role_beside_keys() -> None:
    access = Access(GUARDED.keys, guarded=True, local=Role.VIEWER)

    assert ask(access).role == "viewer"
    with pytest.raises(Unauthorized):
        ask(access, client="10.0.0.9")


def test_a_key_that_was_revoked_opens_nothing_not_even_where_none_is_needed() -> None:
    """Else revoking the last key would make an admin of its holder, on this machine."""
    open_again = GUARDED.followed_by(Access())

    assert ask(open_again).role == "admin"
    assert ask(open_again, key="never known").role == "admin"
    for access in (open_again, GUARDED.followed_by(Access(GUARDED.keys[1:], guarded=True))):
        with pytest.raises(Unauthorized, match="This control key was revoked"):
            ask(access, key=KEY)


def test_read_only_makes_a_viewer_of_everybody() -> None:
    assert ask(Access(read_only=True)) == Actor("api", "viewer")
    assert ask(Access(GUARDED.keys, True, read_only=True), key=KEY) == Actor("api:maria", "viewer")


@pytest.mark.parametrize("host", ["localhost:8000", "[::1]:8000", "10.1.2.3", "a.localhost", "gw"])
def test_addresses_localhost_and_configured_names_are_no_strangers(host: str) -> None:
    assert ask(Access(hosts=frozenset({"gw"})), host=host).role == "admin"


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "", "[", "a@b:x"])
def test_a_name_that_a_stranger_made_point_here_is_refused(host: str) -> None:
    """DNS rebinding: the page's own name leads to 127.0.0.1, so no browser sees a foreign site."""
    with pytest.raises(Forbidden, match="control"):
        ask(host=host)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:8000", "http://127.0.0.1:3000", "["]
)
def test_a_page_of_another_origin_is_refused_even_with_a_key(origin: str) -> None:
    for access, key in ((OPEN, None), (GUARDED, KEY)):
        with pytest.raises(Forbidden, match="may not use the control API"):
            ask(access, key=key, origin=origin)


def test_the_page_of_nexus_itself_may() -> None:
    own = {"origin": "http://127.0.0.1:8000", "sec_fetch_site": "same-origin"}

    assert ask(method="POST", content_type="application/json; charset=utf-8", **own).role == "admin"


def test_a_picture_or_a_script_of_another_site_may_not_even_look() -> None:
    for site in ("cross-site", "same-site"):
        with pytest.raises(Forbidden):
            ask(sec_fetch_site=site, sec_fetch_mode="no-cors")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_change_must_be_declared_as_json(method: str) -> None:
    for kind in (
        {},
        {"content_type": "text/plain"},
        {"content_type": "text/plain, application/json"},
    ):
        with pytest.raises(WrongMediaType):
            ask(method=method, **kind)

"""The settings of FIX sessions, and what quickfix is told of them: its settings file and its dictionary.

The engine minds the session: framing, header, sequence, logon. What a message says is minded by the
format, which answers with all problems at once in business terms. So the engine gets a *relaxed* copy of
the client's data dictionary that knows the messages and their groups, and leaves to the format what is
required, which codes exist, and what a number looks like.
"""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CompId = str
_COMP_ID = (
    r"^[A-Za-z0-9_.:@]{1,64}$"  # stands in file names and log lines; "-" and "/" would make them ambiguous
)
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"


class FixSession(BaseModel):
    """One FIX session with one client.

    client: the client's name in the configuration; what arrives and what is sent carries it.
    role: "acceptor" waits for the client's engine at host and port, "initiator" connects to it.
    sender_comp_id, target_comp_id: tag 49 and 56 of what we send.
    heartbeat_seconds: asked for by an initiator; an acceptor takes the client's.
    data_dictionary: the client's dialect as a QuickFIX XML file; None for the one quickfix installs.
    start_time, end_time: UTC clock times "HH:MM:SS"; sequence numbers restart at the start. None: never.
    reset_on: where the client's rules ask to restart sequence numbers more often.
    latency_seconds_max: how far tag 52 may be from our clock before the session is ended.
    reconnect_seconds: an initiator's pause between two attempts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str = Field(min_length=1, max_length=128)
    role: Literal["acceptor", "initiator"]
    begin_string: Literal["FIX.4.2", "FIX.4.4"] = "FIX.4.4"
    sender_comp_id: CompId = Field(pattern=_COMP_ID)
    target_comp_id: CompId = Field(pattern=_COMP_ID)
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    heartbeat_seconds: int = Field(default=30, ge=1, le=3600)
    data_dictionary: Path | None = None
    start_time: str | None = Field(default=None, pattern=_CLOCK)
    end_time: str | None = Field(default=None, pattern=_CLOCK)
    reset_on: tuple[Literal["logon", "logout", "disconnect"], ...] = ()
    latency_seconds_max: int = Field(default=120, ge=1, le=86400)
    reconnect_seconds: int = Field(default=5, ge=1, le=3600)

    @model_validator(mode="after")
    def _times_together(self) -> Self:
        if (self.start_time is None) != (self.end_time is None):
            raise ValueError("start_time and end_time are given together or not at all")
        return self

    @field_validator("data_dictionary")
    @classmethod
    def _dictionary_exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"no such data dictionary: {path}")
        return path

    @property
    def name(self) -> str:
        """The session as quickfix names it and its files."""
        return f"{self.begin_string}-{self.sender_comp_id}-{self.target_comp_id}"

    @property
    def dictionary(self) -> Path:
        """The client's full data dictionary."""
        return self.data_dictionary or installed_dictionary(self.begin_string)


def installed_dictionary(begin_string: str) -> Path:
    """The data dictionary of a FIX version that quickfix installs, e.g. for "FIX.4.4"."""
    return Path(sys.prefix) / "share" / "quickfix" / f"{begin_string.replace('.', '')}.xml"


def check_sessions(sessions: Iterable[FixSession]) -> None:
    """Raises ValueError where two sessions cannot live beside one another."""
    seen: set[str] = set()
    for session in sessions:
        for word in (f"client {session.client}", f"session {session.name}"):
            if word in seen:
                raise ValueError(f"{word} stands twice among the FIX sessions")
            seen.add(word)


def engine_settings(sessions: Iterable[FixSession], state_dir: Path, listen_port: int) -> str:
    """quickfix's settings file for sessions of one role. All acceptors listen on `listen_port`."""
    default = {
        "FileStorePath": str(state_dir),
        "UseDataDictionary": "Y",
        "ValidateLengthAndChecksum": "Y",
        "ValidateFieldsOutOfOrder": "N",
        "ValidateFieldsHaveValues": "N",
        "ValidateUserDefinedFields": "N",
        "AllowUnknownMsgFields": "Y",
        "SocketNodelay": "Y",
        "SocketReuseAddress": "Y",
        "PersistMessages": "Y",
    }
    parts = [_section("DEFAULT", default)]
    parts += [_section("SESSION", _session_words(session, state_dir, listen_port)) for session in sessions]
    return "\n".join(parts)


def relaxed_path(session: FixSession, state_dir: Path) -> Path:
    """Where the session's relaxed dictionary lies."""
    return state_dir / f"{session.name}.dictionary.xml"


def relaxed_dictionary(dictionary: bytes) -> bytes:
    """The session layer's share of a data dictionary.

    Kept: header, trailer, administrative messages and their fields, which messages exist, and the groups
    of each. Dropped for business messages: required marks, codes, number and date types.
    Data fields become text everywhere: quickfix trusts the length before them without looking whether the
    message is that long, and a wrong length would end the process. The price is that a business message
    with a field separator inside of a data field is not understood by the engine, which rejects it.
    """
    root = ET.fromstring(dictionary)  # noqa: S314  # the operator's own file
    kept = _names_of_the_session_layer(root)
    for message in root.iterfind("messages/message"):
        if message.get("msgcat") != "admin":
            _nothing_required(message)
    for component in root.iterfind("components/component"):
        _nothing_required(component)
    for definition in root.iterfind("fields/field"):
        _relax(definition, kept)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _section(name: str, words: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in words.items())


def _session_words(session: FixSession, state_dir: Path, listen_port: int) -> dict[str, str]:
    words = {
        "ConnectionType": session.role,
        "BeginString": session.begin_string,
        "SenderCompID": session.sender_comp_id,
        "TargetCompID": session.target_comp_id,
        "DataDictionary": str(relaxed_path(session, state_dir)),
        "MaxLatency": str(session.latency_seconds_max),
    }
    if session.start_time is None or session.end_time is None:
        words["NonStopSession"] = "Y"
    else:
        words |= {"StartTime": session.start_time, "EndTime": session.end_time}
    words |= {f"ResetOn{event.capitalize()}": "Y" for event in session.reset_on}
    if session.role == "acceptor":
        words["SocketAcceptPort"] = str(listen_port)
        # quickfix listens on every interface; the daemon's front, on this host, is its only peer.
        words["AllowedRemoteAddresses"] = "127.0.0.1"
    else:
        words |= {
            "SocketConnectHost": session.host,
            "SocketConnectPort": str(session.port),
            "HeartBtInt": str(session.heartbeat_seconds),
            "ReconnectInterval": str(session.reconnect_seconds),
        }
    return words


def _names_of_the_session_layer(root: ET.Element) -> set[str]:
    parts = [part for tag in ("header", "trailer") for part in root.iterfind(tag)]
    parts += [message for message in root.iterfind("messages/message") if message.get("msgcat") == "admin"]
    return {str(node.get("name")) for part in parts for node in part.iter() if node.tag in ("field", "group")}


def _nothing_required(node: ET.Element) -> None:
    for child in node.iter():
        if "required" in child.attrib:
            child.set("required", "N")


def _relax(definition: ET.Element, kept: set[str]) -> None:
    kind = str(definition.get("type", "")).upper()
    if re.fullmatch(r"DATA|XMLDATA", kind):
        definition.set("type", "STRING")
    if definition.get("name") in kept:
        return
    for value in definition.findall("value"):
        definition.remove(value)
    if kind != "NUMINGROUP":
        definition.set("type", "STRING")

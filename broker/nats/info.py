"""What a server says of itself: when a client connects, whenever its cluster changes, and when it is about to stop."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.nats.parser import BadProtocol

URLS_MAX = 256


class ServerInfo(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    server_id: str = ""
    server_name: str = ""
    version: str = ""
    max_payload: Annotated[int, Field(ge=0)] = 1024 * 1024
    nonce: str | None = None
    tls_required: bool = False
    tls_available: bool = False
    headers: bool = False
    ldm: bool = False
    """Lame duck: about to stop; whoever is connected had better move."""
    connect_urls: Annotated[list[str], Field(max_length=URLS_MAX)] = []
    """`host:port` of this cluster's servers."""


def read_info(text: bytes) -> ServerInfo:
    """Raises `BadProtocol`."""
    try:
        return ServerInfo.model_validate_json(text)
    except ValidationError as error:
        raise BadProtocol(f"an INFO that is none: {error.errors()[0]['msg']}") from None

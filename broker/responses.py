"""Answers from the wire: each goes to the call that waits for it; a stream's opening is an answer, its parts follow."""

from __future__ import annotations

from broker.observe.metrics import Metrics
from broker.pending import Pending
from broker.policies.ejection import Ejections
from broker.streams.streams import Streams, without_flags
from broker.wire.errors import to_wire
from broker.wire.packets import Response
from schema.errors import TooMany


class ResponseReceiver:
    def __init__(self, node: str, pending: Pending, streams: Streams, ejections: Ejections, metrics: Metrics) -> None:
        self._node = node
        self._ejections = ejections
        self._pending = pending
        self._streams = streams
        self._metrics = metrics

    def receive(self, response: Response) -> None:
        if response.seq is not None:
            self._receive_part(response)
        elif not self._pending.answer(response):
            self._metrics.late_answers.inc()
            self._ejections.note_heard(response.sender)

    def _receive_part(self, response: Response) -> None:
        if not (self._streams.knows(response) or self._pending.expects(response)):
            self._metrics.late_answers.inc()
            return
        try:
            stream = self._streams.receive(response)
        except TooMany as error:
            self._pending.answer(response._replace(stream=False, data=None, error=to_wire(error, self._node)))
            return
        if stream is not None:
            self._pending.answer(response._replace(data=stream, meta=without_flags(response.meta)))

"""Work by the event and the sink: every event goes to each sink that wants it, and no sink waits for another.

How it holds what it promises:

* Each sink has a courier with threads, a backlog and a circuit breaker of its own. An event is done when every
  sink has it or its dead letter for that sink is settled; a partition's offset moves only up to the first event
  that is not done. So a sink that is down loses nothing: its events stay uncommitted and wait in memory, the
  other sinks go on ahead, lag says how many wait, and when the sink is back it gets them, in order by key.
* Memory is bounded: at most so many events and bytes are open. When that is full, a sink that is merely slow
  sets the pace for all, as lag must not be dropped because of it. A sink that is *down*, for half a minute or
  more, can't: its oldest events become dead letters that name the sink, and make room. A redrive of those gives
  them to that sink alone.
* Repetition is bounded: what is committed carries how far each sink is ahead of the slowest one, in the offset's
  own metadata. After a crash a sink gets again what it finished since the last commit (a tenth of a second), or
  out of order around an event of its own that failed; a clean stop repeats nothing.

The alternatives were a consumer group for each sink, whose lag nobody would see in one number, and a retry topic
for each sink, which somebody would have to create.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import msgspec

from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, REJECTED, Letter
from eventconsumer_workers.envelope import Event, Rejected
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.sinks import Notification
from eventconsumer_workers.sinks.backlog import Delivery
from eventconsumer_workers.watermark import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

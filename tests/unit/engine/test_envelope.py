"""Section 1: the envelope and what of it is inherited."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from kernel.engine.envelope import Envelope, trace_id_at
from kernel.engine.errors import EnvelopeRefused


def test_an_envelope_cannot_be_changed() -> None:
    """Who holds an envelope may rely on it."""
    envelope = Envelope([1], "batch")

    with pytest.raises(FrozenInstanceError):
        envelope.kind = "other"  # type: ignore[misc]


def test_a_payload_is_never_none() -> None:
    """Nothing is not something that travels."""
    with pytest.raises(EnvelopeRefused, match="'payload' must not be None"):
        Envelope(None, "batch")


@pytest.mark.parametrize("payload", [[], b"", 0, False, ""], ids=repr)
def test_an_empty_payload_is_a_payload(payload: object) -> None:
    """Only None is refused; a batch may be empty."""
    assert Envelope(payload, "batch").payload == payload


@pytest.mark.parametrize("field", ["kind", "trace_id", "target", "reply_to"])
@pytest.mark.parametrize("wrong", ["", 7])
def test_a_text_that_is_given_is_a_text_and_not_empty(field: str, wrong: object) -> None:
    """Every addressing field says its own name when it is refused."""
    fields: dict[str, Any] = {"kind": "batch", field: wrong}

    with pytest.raises(EnvelopeRefused) as refused:
        Envelope([1], **fields)

    assert refused.value.field == field


def test_an_empty_list_of_targets_is_refused() -> None:
    """Addressed to nobody is a mistake, not the same as not addressed."""
    with pytest.raises(EnvelopeRefused, match="must not be an empty list"):
        Envelope([1], "batch", target=[])


def test_a_list_of_targets_holds_names_only() -> None:
    """An empty name inside the list is refused like one outside."""
    with pytest.raises(EnvelopeRefused, match="'target'"):
        Envelope([1], "batch", target=["decide", ""])


def test_targets_may_be_one_name_several_or_none() -> None:
    """The three ways of addressing read the same; a list that is changed later changes nothing."""
    names = ["decide", "format"]
    several = Envelope([1], "batch", target=names)
    names.append("parse")

    assert Envelope([1], "batch").targets == ()
    assert Envelope([1], "batch", target="decide").targets == ("decide",)
    assert several.targets == ("decide", "format")


def test_an_output_inherits_trace_id_and_reply_channel() -> None:
    """Correlation needs no work from a node; everything else of the output stays as it was."""
    parent = Envelope([1], "chunk", trace_id="r:1", reply_to="replies")
    output = Envelope([2], "batch", target="decide")

    assert output.inherit(parent) == Envelope(
        [2], "batch", trace_id="r:1", target="decide", reply_to="replies"
    )


def test_an_output_keeps_what_it_sets_itself() -> None:
    """Each of the two is inherited on its own."""
    parent = Envelope([1], "chunk", trace_id="r:1", reply_to="replies")
    traced = Envelope([2], "batch", trace_id="ledger:9").inherit(parent)
    addressed = Envelope([2], "batch", reply_to="elsewhere").inherit(parent)

    assert (traced.trace_id, traced.reply_to) == ("ledger:9", "replies")
    assert (addressed.trace_id, addressed.reply_to) == ("r:1", "elsewhere")


def test_a_trace_id_is_made_of_a_position() -> None:
    """A chunk, an attempt and a turn are named by where they stand."""
    assert trace_id_at("run-7", 4097) == "run-7:4097"


def test_a_printed_envelope_does_not_show_its_payload() -> None:
    """An envelope in a log or a traceback gives no customer away."""
    printed = repr(Envelope({"customer": "528"}, "batch", trace_id="r:1"))

    assert "528" not in printed
    assert "r:1" in printed

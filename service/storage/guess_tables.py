"""What readers do with riddles: their guesses, how far each has come, what they think of it, and the counts."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, SmallInteger, String, Table
from sqlalchemy import Text as LongText

from retrievers.tables import metadata
from service.storage.types import UtcDateTime

guesses = Table(
    "guesses",
    metadata,
    Column("riddle_id", String(40), ForeignKey("riddles.id"), primary_key=True),
    Column("reader", String(64), primary_key=True),  # hash of key and reader id
    Column("fingerprint", String(64), primary_key=True),  # hash of the normalised guess; its text is not kept
    Column("created_at", UtcDateTime, nullable=False),
    Column("correct", Boolean, nullable=False),
    Column("near", Boolean, nullable=False),
    Column("score", Float, nullable=False),
    Column("hint", Integer),  # which one it was answered with, from 0; null for none
    Index("guesses_by_time", "created_at"),
)

reader_progress = Table(
    "reader_progress",
    metadata,
    Column("riddle_id", String(40), ForeignKey("riddles.id"), primary_key=True),
    Column("reader", String(64), primary_key=True),
    Column("guesses", Integer, nullable=False),  # different ones
    Column("hints", Integer, nullable=False),  # given so far
    Column("solved_at", UtcDateTime),
    Column("revealed_at", UtcDateTime),
)

riddle_tallies = Table(
    "riddle_tallies",
    metadata,
    Column("riddle_id", String(40), ForeignKey("riddles.id"), primary_key=True),
    Column("solved_by", Integer, nullable=False),  # readers; counted here, since every guess asks for it
    Column("up", Integer, nullable=False),
    Column("down", Integer, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("riddle_id", String(40), ForeignKey("riddles.id"), primary_key=True),
    Column("reader", String(64), primary_key=True),
    Column("id", String(40), nullable=False),  # `fb_` and a UUIDv7: lists are sorted by it
    Column("rating", SmallInteger, nullable=False),
    Column("comment", LongText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint("rating IN (-1, 1)", name="rating"),
    Index("feedback_by_riddle", "riddle_id", "id"),
)

__all__ = ["feedback", "guesses", "reader_progress", "riddle_tallies"]

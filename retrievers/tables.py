"""The tables of the example store; the service's migrations and its own tables share this metadata."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("store_id", String(32), nullable=False),
    comment="Row 'examples' counts changes; row 'index' is locked by the process that updates a shared index.",
)

examples = Table(
    "examples",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("content_hash", String(64), nullable=False, unique=True),
    Column("tenant", Text),
    Column("topic", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("article", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("riddle", Text, nullable=False),
    Column("hints", JSON, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("added", BigInteger, nullable=False, comment="revision at which it was added; lists are sorted by it"),
    Column("revision", BigInteger, nullable=False, index=True, comment="revision of the last change"),
    Index("ix_examples_added_id", "added", "id"),
    Index("ix_examples_tenant", "tenant"),
)

example_tombstones = Table(
    "example_tombstones",
    metadata,
    Column("content_hash", String(64), primary_key=True),
    Column("tenant", Text),
    Column("revision", BigInteger, nullable=False, index=True),
    comment="Content that is no example any more: every index drops its vector.",
)

shipped_examples = Table(
    "shipped_examples",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("example_id", String(64), nullable=False),
    Column("content_hash", String(64), nullable=False),
    comment="What the package gave: an example that differs from it was edited, one that is missing was removed.",
)

STORE_TABLES = (revisions, examples, example_tombstones, shipped_examples)

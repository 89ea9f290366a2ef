"""The wire: its definition, frames and messages (docs/wire.md)."""

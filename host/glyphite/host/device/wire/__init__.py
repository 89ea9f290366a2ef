"""The wire: its definition, frames, messages, and a session with a board (docs/wire.md)."""

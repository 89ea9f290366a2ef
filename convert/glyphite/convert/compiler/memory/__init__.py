"""Where every byte of every tensor lies, and from when to when: schedule, rings, offsets."""

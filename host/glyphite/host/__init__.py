"""The PC end of the wire: runners, transports, protocol, build, stream, compare, report."""

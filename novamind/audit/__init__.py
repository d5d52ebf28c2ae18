"""What was seen and changed, by whom and why: AuditEvent and the completeness check."""

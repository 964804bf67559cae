"""AuditEvents and Provenances that are made of audit rows when somebody asks for them."""

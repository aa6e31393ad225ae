"""From a score to strength of evidence: fitted on validation, stored, and measured on other faces."""

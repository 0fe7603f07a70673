"""A report as text, JSON, HTML, CSV, JUnit, SARIF, OSCAL and ARF: one pure module each."""

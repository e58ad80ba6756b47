"""The report of an experiment: one HTML file that works offline, and a short table in Markdown."""

from evaluation.report.markdown import markdown_table
from evaluation.report.writing import Written, write_report

__all__ = ["Written", "markdown_table", "write_report"]

"""Endpoints with one defect each, and which checks say so."""

from tests.checks.defects import answers, connections, data, refusals, repeats, signed
from tests.checks.registry import DEFECTS

__all__ = ["DEFECTS", "answers", "connections", "data", "refusals", "repeats", "signed"]

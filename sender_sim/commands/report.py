"""`sender-sim run --report FILE.html`: the option, and the page for a run."""

from functools import partial

from sender_sim.commands.files import file_option
from sender_sim.options import Target
from sender_sim.plan import Plan
from sender_sim.reports.page import Page, fault_words, settings_facts
from sender_sim.reports.reproduce import commands
from sender_sim.reports.summary import Summary
from sender_sim.scenarios import Situation

__all__ = ["page_of", "report_option", "unexpected"]


report_option = file_option("--report", "FILE.html", "Write the run down as one HTML page.")


def page_of(plan: Plan, sent_to: Target) -> Page:
    """The page for a run of this plan."""
    told = plan.situation
    clock = "virtual" if plan.speed is None else "real" if plan.speed == 1 else f"x{plan.speed:g}"
    facts = [*settings_facts(told.phases[0].integration), ("clock", clock), ("seed", str(plan.seed))]
    facts += [("scenario", told.scenario)] if told.scenario else []
    facts += [("faults", "; ".join(map(fault_words, told.faults)))] if told.faults else []
    signers = {phase.integration.signer for phase in told.phases}
    signing = sent_to.signing if len(signers) == 1 else None  # which of several keys signed, no request says
    return Page(facts, partial(commands, ca=sent_to.ca, signing=signing))


def unexpected(told: Situation, summary: Summary) -> list[str] | None:
    """What did not end as its scenario says; None: there is no scenario."""
    return list(told.expect.unmet(summary)) if told.scenario else None

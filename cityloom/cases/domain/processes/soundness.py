"""Whether a process can be run to its end: nothing hangs in the air, no gateway is at a loss, nothing turns round."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.process import Flow, Node, Process
from cityloom.kernel.refused import Detail, Refused

_CHOOSING = (model.EXCLUSIVE, model.INCLUSIVE)


def check(process: Process) -> None:
    """Refuse what could not be run.

    Raises: Refused `cases.process_wrong`, `cases.process_loop`.
    """
    _check_flows(process)
    starts = [node for node in process.nodes.values() if node.kind == model.START]
    if len(starts) != 1:
        raise Refused("cases.process_wrong", "A process has one start event; this one has {value}.", value=len(starts))
    for node in process.nodes.values():
        _check_node(process, node)
    _check_reached(process, starts[0])
    loop = _loop(process)
    if loop:
        raise Refused("cases.process_loop", "The process turns for ever in {value}: nothing in that circle waits. Put "
                      "a user task, a message or a timer into it.", value=" > ".join(loop)[:400])  # fmt: skip


def _check_flows(process: Process) -> None:
    for flow in process.flows.values():
        if not flow.id or flow.source not in process.nodes or flow.target not in process.nodes:
            raise _flow(flow, Detail("it has no id, or does not lead from one element to another"))
        source = process.nodes[flow.source]
        if flow.condition is not None and source.kind not in _CHOOSING:
            raise _flow(flow, Detail("only an exclusive or inclusive gateway has conditions"))


def _check_node(process: Process, node: Node) -> None:
    out, into = process.outgoing(node.id), process.incoming(node.id)
    if node.kind == model.END and out:
        raise _node(node, Detail("nothing leaves an end event"))
    if node.kind != model.END and not out:
        raise _node(node, Detail("nothing leaves it; lead it to an end event"))
    if node.kind in (model.START, model.BOUNDARY) and into:
        raise _node(node, Detail("nothing leads to it"))
    if len(out) > 1 and not node.kind.endswith("Gateway"):
        raise _node(node, Detail("several flows leave it; put a gateway between"))
    if node.kind in _CHOOSING and len(out) > 1:
        _check_choice(node, out)
    if node.kind == model.BY_EVENT:
        _check_events(process, node, out)
    if node.kind == model.BOUNDARY:
        host = process.nodes.get(node.attached_to)
        if host is None or host.kind not in (model.USER, model.MANUAL, model.SERVICE, model.RECEIVE):
            raise _node(node, Detail("it is attached to no user, manual, service or receive task"))


def _check_choice(node: Node, out: list[Flow]) -> None:
    """Each way has its condition, and one is left for when none holds: a case never gets stuck in a choice."""
    if node.default not in {flow.id for flow in out}:
        raise _node(node, Detail("it has no default flow for cases in which no condition holds"))
    for flow in out:
        if (flow.condition is None) != (flow.id == node.default):
            raise _flow(flow, Detail("each flow of a choice has a condition, and the default one has none"))


def _check_events(process: Process, node: Node, out: Iterable[Flow]) -> None:
    for flow in out:
        if process.nodes[flow.target].kind != model.CATCH or len(process.incoming(flow.target)) != 1:
            raise _node(node, Detail("it leads to timers and messages alone, each of its own"))


def _check_reached(process: Process, start: Node) -> None:
    boundaries: dict[str, list[str]] = {}
    for node in process.nodes.values():
        boundaries.setdefault(node.attached_to, []).append(node.id)

    def after(node: str) -> list[str]:
        return [flow.target for flow in process.outgoing(node)] + boundaries.get(node, [])

    reached = _closure([start.id], after)
    ends = [node.id for node in process.nodes.values() if node.kind == model.END]
    ending = _closure(ends, lambda node: [flow.source for flow in process.incoming(node)])
    for node in process.nodes.values():
        if node.id not in reached:
            raise _node(node, Detail("nothing leads to it from the start"))
        if node.id not in ending:
            raise _node(node, Detail("no end can be reached from it"))


def _closure(first: Iterable[str], after: Callable[[str], Iterable[str]]) -> set[str]:
    found = set(first)
    left = list(found)
    while left:
        new = set(after(left.pop())) - found
        found |= new
        left += new
    return found


def _loop(process: Process) -> list[str]:
    """A circle in which nothing waits; service tasks and called processes may come back at once."""
    waits = {node.id for node in process.nodes.values() if node.kind in model.WAITS}
    done: set[str] = set()
    for first in process.nodes:
        path: list[str] = []
        walks = [iter([first])]
        while walks:
            node = next(walks[-1], None)
            if node is None:
                walks.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in done and node not in waits:
                path.append(node)
                walks.append(iter([flow.target for flow in process.outgoing(node)]))
    return []


def _node(node: Node, words: Detail) -> Refused:
    where = f"{node.kind} {node.id} (line {node.line})"
    return Refused("cases.process_wrong", "{value}: {limit}.", value=where, limit=words)


def _flow(flow: Flow, words: Detail) -> Refused:
    where = f"sequenceFlow {flow.id} (line {flow.line})"
    return Refused("cases.process_wrong", "{value}: {limit}.", value=where, limit=words)

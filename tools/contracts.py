"""The architecture's own kind of contract: what a capability shows to the others."""

from __future__ import annotations

from typing import Any

from importlinter import Contract, ContractCheck, fields, output


class FaceContract(Contract):
    """Let a capability be imported by another only through its doors."""

    capabilities = fields.ListField(subfield=fields.StringField())
    doors = fields.ListField(subfield=fields.StringField())
    exempt = fields.ListField(subfield=fields.StringField())

    def check(self, graph: Any, verbose: bool) -> ContractCheck:
        broken = sorted(
            (importer, imported)
            for imported in graph.modules
            if self._is_inner_room(imported)
            for importer in graph.find_modules_that_directly_import(imported)
            if self._is_stranger(importer, imported)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}, which is not a door of its capability.")

    def _is_inner_room(self, module: str) -> bool:
        parts = module.split(".")
        return len(parts) > 2 and parts[1] in self.capabilities and parts[2] not in self.doors

    def _is_stranger(self, importer: str, imported: str) -> bool:
        if importer.split(".")[:2] == imported.split(".")[:2]:
            return False
        return not any(importer == name or importer.startswith(f"{name}.") for name in self.exempt)

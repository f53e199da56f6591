"""An XES event log of road traffic fines (IEEE 1849): the syntax; what its events mean is in `traffic_fines`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml import etree

from ingest.adapters.traffic_fines import Case, Log
from ingest.domain.refusals import FileUnreadable


def read(data: bytes) -> Log:
    """Return the facts of all cases in the file's order.

    Raises:
        FileUnreadable: no XML, no XES log, or an event without activity, time or a usable amount.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise FileUnreadable(f"no well-formed XML: {error}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise FileUnreadable("a document type declaration is not accepted")
    if etree.QName(root).localname != "log":
        raise FileUnreadable(f"the document is a {etree.QName(root).localname}, not an XES log")
    log = Log()
    for trace in _children(root, "trace"):
        _read_case(trace, log)
    return log


def _read_case(trace: Any, log: Log) -> None:
    case = Case(_attributes(trace).get("concept:name", ""))
    if not case.name:
        raise FileUnreadable("a trace has no concept:name")
    for number, event in enumerate(_children(trace, "event"), start=1):
        fields, where = _attributes(event), f"{case.name}, event {number}"
        try:
            at = datetime.fromisoformat(fields["time:timestamp"])
            case.take(number, fields["concept:name"], fields, at, log)
        except (KeyError, ValueError) as error:
            raise FileUnreadable(f"{where}: {error!r}") from error


def _children(node: Any, name: str) -> Iterator[Any]:
    return (child for child in node if etree.QName(child).localname == name)


def _attributes(node: Any) -> dict[str, str]:
    return {child.get("key"): child.get("value") for child in node if child.get("key") and child.get("value")}

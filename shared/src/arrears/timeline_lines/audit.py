"""Lines of the events of audit."""

from __future__ import annotations

from typing import Final

from arrears.events import audit
from arrears.events.registry import Event

LINES: Final[dict[type[Event], tuple[str, str]]] = {
    audit.AuditCheckpointSigned: (
        "审计见证：{service} 日志前 {tree_size} 条核对无误并已签名",
        "Audit checkpoint: the first {tree_size} events of {service} checked and countersigned",
    ),
    audit.IntegrityViolationFound: (
        "发现日志完整性问题：{service} 第 {position} 条，{kind:word}",
        "Integrity violation: {service} at position {position}, {kind:word}",
    ),
}

"""The schemas, by API version and kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
DURATION: Schema = {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+s)?$", "minLength": 2}
QUANTITY: Schema = {"type": ["string", "integer"], "pattern": r"^\d+(m|[KMGT]i?)?$"}


def exactly(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": [*required], "properties": properties, "additionalProperties": False}


def listed(items: Schema, at_least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": at_least}


def resource(api: str, kind: str, spec: Schema) -> Schema:
    metadata = exactly(
        {"name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"}, "namespace": TEXT},
        {"labels": LABELS, "annotations": LABELS, "finalizers": listed(TEXT)},
    )
    return exactly({"apiVersion": {"const": api}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


CERTIFICATE = exactly(
    {
        "secretName": TEXT,
        "dnsNames": listed({"type": "string", "pattern": r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$"}),
        "issuerRef": exactly({"name": TEXT}, {"kind": {"enum": ["Issuer", "ClusterIssuer"]}, "group": TEXT}),
    },
    {
        "commonName": {"type": "string", "maxLength": 64},
        "usages": listed({"enum": ["server auth", "client auth", "digital signature", "key encipherment"]}),
        "duration": DURATION,
        "renewBefore": DURATION,
        "privateKey": exactly(
            {"algorithm": {"enum": ["RSA", "ECDSA", "Ed25519"]}},
            {"size": COUNT, "rotationPolicy": {"enum": ["Never", "Always"]}},
        ),
    },
)
ISSUER = exactly({"ca": exactly({"secretName": TEXT})})
SERVICE_MONITOR = exactly(
    {
        "selector": exactly({"matchLabels": LABELS}),
        "endpoints": listed(exactly({"port": TEXT}, {"path": TEXT, "interval": DURATION, "scrapeTimeout": DURATION})),
    },
    {"namespaceSelector": {"type": "object"}},
)
RESOURCES = exactly(
    {
        "requests": exactly({"cpu": QUANTITY, "memory": QUANTITY}),
        "limits": exactly({"cpu": QUANTITY, "memory": QUANTITY}),
    }
)
VOLUME = exactly(
    {
        "persistentVolumeClaim": exactly(
            {"resources": exactly({"requests": exactly({"storage": QUANTITY})})},
            {"storageClassName": TEXT, "accessModes": listed(TEXT)},
        )
    }
)
PERCONA = exactly(
    {
        "crVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "secretsName": TEXT,
        "updateStrategy": {"enum": ["SmartUpdate", "RollingUpdate", "OnDelete"]},
        "pxc": exactly(
            {"size": {"type": "integer", "minimum": 3}, "image": TEXT, "resources": RESOURCES, "volumeSpec": VOLUME},
            {
                "autoRecovery": FLAG,
                "configuration": TEXT,
                "affinity": {"type": "object"},
                "podDisruptionBudget": {"type": "object"},
                "gracePeriod": COUNT,
                "podSecurityContext": {"type": "object"},
                "containerSecurityContext": {"type": "object"},
            },
        ),
        "haproxy": exactly(
            {"enabled": FLAG},
            {
                "size": COUNT,
                "image": TEXT,
                "resources": RESOURCES,
                "podDisruptionBudget": {"type": "object"},
                "podSecurityContext": {"type": "object"},
                "containerSecurityContext": {"type": "object"},
            },
        ),
    },
    {
        "sslSecretName": TEXT,
        "sslInternalSecretName": TEXT,
        "tls": exactly({"enabled": FLAG}),
        "upgradeOptions": exactly({"apply": TEXT}),
    },
)

SCHEMAS: Mapping[tuple[str, str], Schema] = {
    (api, kind): resource(api, kind, spec)
    for api, kind, spec in (
        ("cert-manager.io/v1", "Certificate", CERTIFICATE),
        ("cert-manager.io/v1", "Issuer", ISSUER),
        ("monitoring.coreos.com/v1", "ServiceMonitor", SERVICE_MONITOR),
        ("pxc.percona.com/v1", "PerconaXtraDBCluster", PERCONA),
    )
}

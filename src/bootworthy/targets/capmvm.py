"""The whole manifest of a cluster on CAPMVM. What no image says is left to `clusterctl generate yaml` as a variable.

Source: Cluster API v1beta1 with its kubeadm provider; CAPMVM's custom resource definitions; kube-vip v0.4.0 as a static
pod in ARP mode.
"""

from __future__ import annotations

from typing import Any

from bootworthy.targets import microvm, mounts
from bootworthy.targets.consumer import CAPMVM, FLINTLOCK, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.machine_template import API, KIND, template
from bootworthy.targets.target import Document, ImageTarget
from bootworthy.targets.written import as_yaml

_NAME = "${CLUSTER_NAME}"
_CORE, _CONTROL, _BOOTSTRAP = (f"{group}cluster.x-k8s.io/v1beta1" for group in ("", "controlplane.", "bootstrap."))
_PROVIDER_ID = "microvm://{{ ds.meta_data.vm_host }}/{{ ds.meta_data.instance_id }}"
"""What joins a node to its machine; CAPMVM puts both values into the metadata."""
_VIP = "ghcr.io/kube-vip/kube-vip:v0.4.0"
_MANIFESTS = "/etc/kubernetes/manifests"


def render(guest: Guest, versions: Versions) -> Document:
    """The manifest.

    Raises:
        RefusedError: as `machine_template.machine`.
    """
    release = f"v{guest.kubernetes.removeprefix('v')}" if guest.kubernetes else "${KUBERNETES_VERSION}"
    control = template(guest, versions, f"{_NAME}-control-plane", {"role": "control-plane"})
    workers = template(guest, versions, f"{_NAME}-workers")
    wanted = mounts.told(guest)
    documents = [
        _cluster(), _hosts(), _control_plane(control, release, wanted), control,
        _deployment(workers, release), workers, _join(wanted),
    ]  # fmt: skip
    notes = ["clusterctl generate yaml --from FILE fills in what stands as ${NAME}"]
    if not guest.kubernetes:
        notes.append("these images do not say their version of Kubernetes: set KUBERNETES_VERSION to it")
    return Document(as_yaml(documents), (*notes, *microvm.deaf(guest)))


def _object(api: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _named(api: str, kind: str, name: str) -> dict[str, str]:
    return {"apiVersion": api, "kind": kind, "name": name}


def _machines(document: dict[str, Any]) -> dict[str, str]:
    return _named(API, KIND, document["metadata"]["name"])


def _cluster() -> dict[str, Any]:
    return _object(_CORE, "Cluster", _NAME, {
        "clusterNetwork": {
            "pods": {"cidrBlocks": ["${POD_CIDR:=172.25.0.0/16}"]},
            "services": {"cidrBlocks": ["${SERVICES_CIDR:=172.26.0.0/16}"]},
        },
        "infrastructureRef": _named(API, "MicrovmCluster", _NAME),
        "controlPlaneRef": _named(_CONTROL, "KubeadmControlPlane", f"{_NAME}-control-plane"),
    })  # fmt: skip


def _hosts() -> dict[str, Any]:
    host = {"endpoint": "${HOST_ENDPOINT:=127.0.0.1:9090}", "controlplaneAllowed": True}
    return _object(API, "MicrovmCluster", _NAME, {
        "controlPlaneEndpoint": {"host": "${CONTROL_PLANE_VIP}", "port": 6443},
        "placement": {"staticPool": {"hosts": [host]}},
    })  # fmt: skip


def _control_plane(machines: dict[str, Any], release: str, wanted: list[list[str]]) -> dict[str, Any]:
    configuration = {
        "clusterConfiguration": {}, "initConfiguration": _registration(vip=True),
        "joinConfiguration": _registration(vip=True),
        "files": [{"path": f"{_MANIFESTS}/kube-vip.yaml", "owner": "root:root", "content": as_yaml([_vip()])}],
    }  # fmt: skip
    return _object(_CONTROL, "KubeadmControlPlane", f"{_NAME}-control-plane", {
        "replicas": "${CONTROL_PLANE_MACHINE_COUNT:=1}", "version": release,
        "machineTemplate": {"infrastructureRef": _machines(machines)},
        "kubeadmConfigSpec": configuration | _mounted(wanted),
    })  # fmt: skip


def _deployment(machines: dict[str, Any], release: str) -> dict[str, Any]:
    return _object(_CORE, "MachineDeployment", f"{_NAME}-workers", {
        "clusterName": _NAME, "replicas": "${WORKER_MACHINE_COUNT:=1}", "selector": {"matchLabels": {}},
        "template": {"spec": {
            "clusterName": _NAME, "version": release,
            "bootstrap": {"configRef": _named(_BOOTSTRAP, "KubeadmConfigTemplate", f"{_NAME}-workers")},
            "infrastructureRef": _machines(machines),
        }},
    })  # fmt: skip


def _join(wanted: list[list[str]]) -> dict[str, Any]:
    spec = {"joinConfiguration": _registration()} | _mounted(wanted)
    return _object(_BOOTSTRAP, "KubeadmConfigTemplate", f"{_NAME}-workers", {"template": {"spec": spec}})


def _registration(*, vip: bool = False) -> dict[str, Any]:
    # The manifest of kube-vip is there before kubeadm begins, which otherwise wants the folder empty.
    passed = {"ignorePreflightErrors": ["DirAvailable--etc-kubernetes-manifests"]} if vip else {}
    return {"nodeRegistration": {**passed, "kubeletExtraArgs": {"provider-id": _PROVIDER_ID}}}


def _mounted(wanted: list[list[str]]) -> dict[str, Any]:
    return {"mounts": wanted} if wanted else {}


def _vip() -> dict[str, Any]:
    values = {
        "vip_arp": "true", "port": "6443", "vip_interface": microvm.NIC, "vip_cidr": "32", "cp_enable": "true",
        "cp_namespace": "kube-system", "vip_leaderelection": "true", "address": "${CONTROL_PLANE_VIP}",
    }  # fmt: skip
    container = {
        "name": "kube-vip", "image": _VIP, "args": ["manager"],
        "env": [{"name": name, "value": value} for name, value in values.items()],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        "volumeMounts": [{"name": "kubeconfig", "mountPath": "/etc/kubernetes/admin.conf"}],
    }  # fmt: skip
    spec = {
        "hostNetwork": True, "containers": [container],
        "volumes": [{"name": "kubeconfig", "hostPath": {"path": "/etc/kubernetes/admin.conf", "type": "FileOrCreate"}}],
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kube-vip", "namespace": "kube-system"},
        "spec": spec,
    }


TARGET = ImageTarget(title="CAPMVM, whole cluster", consumers=(CAPMVM, FLINTLOCK), render=render)

"""What custom resources must look like: the fields that we use, as their operators describe them, and no others.

`kubernetes-validate` knows the objects of Kubernetes itself. These follow the API references of cert-manager v1, of
prometheus-operator v1 and of the operator for Percona XtraDB Cluster.
"""

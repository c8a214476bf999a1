"""Where trials run: this machine, others over SSH, a Kubernetes cluster."""

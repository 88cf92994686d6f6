// Command picloud-manager serves the control plane of a cluster.
package main

import (
	"os"

	"github.com/picloud/picloud/internal/bootstrap"
)

func main() { os.Exit(bootstrap.ManagerMain()) }

// Command picloud-orchestrator answers requests and delivers events in a cluster.
package main

import (
	"os"

	"github.com/picloud/picloud/internal/bootstrap"
)

func main() { os.Exit(bootstrap.OrchestratorMain()) }

// Command picloud-executor runs scripts for the orchestrators of a cluster.
package main

import (
	"os"

	"github.com/picloud/picloud/internal/bootstrap/executornode"
)

func main() { os.Exit(executornode.Main()) }

// Command picloud serves PiCloud: control plane, ingress and scripts in one
// process.
package main

import (
	"os"

	"github.com/picloud/picloud/internal/bootstrap"
)

func main() { os.Exit(bootstrap.Main()) }

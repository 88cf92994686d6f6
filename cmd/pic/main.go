// Command pic works with a PiCloud instance from the command line.
package main

import (
	"os"

	"github.com/picloud/picloud/internal/bootstrap/offline"
	"github.com/picloud/picloud/internal/pic"
)

func main() { os.Exit(pic.Main(pic.Offline{Dev: offline.Dev, Tests: offline.Tests})) }

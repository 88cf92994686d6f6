package process

import (
	"os"
	"runtime"
)

// spareProcs is how many goroutines more than there are processors may be in
// the runtime's hands at once. One in a system call on a file, and SQLite makes
// many, keeps its place until the runtime's monitor takes it away, which may be
// some milliseconds later: without spare places a processor idles meanwhile.
const spareProcs = 2

// RaiseProcs adds the spare places, unless the environment sets GOMAXPROCS.
func RaiseProcs() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcs)
	}
}

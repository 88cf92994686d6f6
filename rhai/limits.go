package rhai

// Limits bound what one run may use. Zero means no limit, except where said.
type Limits struct {
	MaxOperations int64 // work: loops, calls and builtins charge it
	MaxMemory     int64 // bytes by the engine's own model of memory
	MaxCallLevels int   // nested script calls; zero means 64, and 100,000 are the most

	MaxStringSize int // bytes of one string
	MaxArraySize  int // elements of one array or bytes of one blob
	MaxMapSize    int // keys of one object map
	MaxModules    int // modules imported in one run
	MaxVariables  int // variables visible at one place of a source, those of the functions around it excluded
	MaxFunctions  int // functions and closures of one source

	MaxSourceSize        int // bytes of a source text
	MaxExprDepth         int // nesting of expressions; zero means 64
	MaxFunctionExprDepth int // the same within functions; zero means 32
}

const defaultCallLevels = 64

// maxCallLevels bounds what a run reserves for its calls before it begins.
const maxCallLevels = 100_000

// maxAlloc bounds one allocation, with or without a limit.
const maxAlloc = 1 << 36

// Stats says what a run used.
type Stats struct {
	Operations int64
	PeakMemory int64 // bytes of the model: the most found alive, or allocated if that was never measured
}

// charge counts n operations and fails when the run has used up its budget or
// was cancelled.
func (vm *machine) charge(n int64) error {
	vm.budget -= n
	if vm.budget < 0 {
		return vm.refill()
	}
	return nil
}

// alloc counts bytes that are about to be allocated.
func (vm *machine) alloc(bytes int64) error {
	if uint64(bytes) > maxAlloc {
		return newError(ErrMemory, "")
	}
	vm.used += bytes
	if vm.used > vm.maxMemory {
		if err := vm.census(bytes); err != nil {
			return err
		}
	}
	vm.budget -= bytes >> 6
	return nil
}

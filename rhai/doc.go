// Package rhai compiles and runs scripts in the Rhai language.
//
// An [Engine] says what scripts can call and how much they may use. It compiles a source into a
// [Program], which is immutable: any number of goroutines may run it at the same time.
//
//	eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 1e6, MaxMemory: 64 << 20}))
//	eng.RegisterFn("double", func(n int64) int64 { return 2 * n })
//	prog, err := eng.Compile("hello", `double(21)`)
//	v, err := prog.Run(ctx, nil)
//
// [Program.Instance] runs the body once and then calls functions of the script. Errors are of type
// [*Error], which says where and through which calls.
//
// The machine is a register machine over 16-byte values. Work is charged as operations and memory by a model
// of the engine's own, so that the same program with the same input has the same counts, results and
// verdicts on every machine. Host functions are its only other input; see [WithHostHook] and [WithClock].
// Nothing a script does can exhaust Go's stack or, within its limits, the memory of the process.
package rhai

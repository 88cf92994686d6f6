package store

import (
	"context"
	"time"
)

// NodeKind is what a process of a cluster does.
type NodeKind string

// The kinds.
const (
	NodeManager      NodeKind = "manager" // the active one; those on standby are not registered
	NodeOrchestrator NodeKind = "orchestrator"
	NodeExecutor     NodeKind = "executor"
)

// Node is a process of a cluster that lives: its lease has not ended.
type Node struct {
	Name    string // of the machine's data directory, kept for ever; with Kind it is unique
	Kind    NodeKind
	Boot    string // names this start of the process
	Address string // HOST:PORT at which the others reach it; empty: they do not
	Version string // the release it runs
}

// Nodes is the list of the processes of a cluster. A process is on it under a
// lease, which it has to extend; when it ended is decided by the database's clock,
// so the nodes' own need not agree. The list may be lost with the database's
// machine: whoever lives comes back with the next extension.
type Nodes interface {
	// KeepNode puts n on the list, or extends its lease, and returns how much of it was
	// left; 0: this start of the process was not on the list, or its lease had ended.
	// There is one manager at most: a new one takes the place of another.
	KeepNode(ctx context.Context, n Node, lease time.Duration) (left time.Duration, err error)
	// RemoveNode takes a process off the list, unless another has come in its place. An
	// orchestrator that still has messages stays until its lease ends, and they are
	// recovered.
	RemoveNode(ctx context.Context, n Node) error
	// Nodes returns the list by kind and name.
	Nodes(ctx context.Context) ([]Node, error)
	// RecoverNodes takes orchestrators whose lease has ended off the list, and in the
	// same transaction does for each what Queue.Recover would: whoever asks first does
	// so, and the others find nothing. It is for who has been on the list for long
	// enough to know that the others could have extended theirs.
	RecoverNodes(ctx context.Context, at time.Time) (gone []string, recovered int64, err error)
}

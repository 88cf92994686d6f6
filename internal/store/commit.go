package store

import (
	"context"
	"errors"
	"time"
)

// CommitMemory is for how long after a run began its commits are known.
const CommitMemory = 10 * time.Minute

// The errors of Commit beside the general ones and ErrLeaseLost. After each
// nothing has changed.
var (
	// ErrConflict: a key that was read is no longer as it was.
	ErrConflict = errors.New("the data have changed meanwhile")
	// ErrQuota: the app has no room for it.
	ErrQuota = errors.New("the app's quota is used up")
)

// Commit is a change of an app's keys and messages that takes effect whole or not
// at all.
type Commit struct {
	AppID string
	// RunID, a UUIDv7, and Seq name the commit. A name that was committed within
	// CommitMemory is answered in the same way and changes nothing. An empty
	// RunID: the commit has no name. A commit with Acks needs none: made again, it
	// is ErrLeaseLost.
	RunID    string
	Seq      int64
	Reads    []KVRead  // checked against what is there
	Ops      []KVOp    // in their order
	Messages []Message // to add; those of the app
	Acks     []string  // IDs of messages that are done, leased under Lease
	Lease    string
	// Finished is the answer to the asynchronous request that the commit
	// acknowledges; nil: it was none. At is when it was finished.
	Finished *Invocation
	// Watch has the commit add messages for the keys that it changes; nil: none.
	Watch *KVWatch
	At    time.Time
	// MaxBytes is the app's quota: keys and values together may not grow beyond
	// it. 0: none. Commits at the same moment may together exceed it a little.
	MaxBytes int64
}

// Data is what runs read and change.
type Data interface {
	KV
	Queue
}

// Commits changes what runs change.
type Commits interface {
	// Commit checks the reads and the lease and makes the changes, all in one
	// transaction, and returns the version that the changed keys have now; 0: none is.
	// ErrConflict, ErrQuota, ErrLeaseLost; ErrInvalid when a change is not possible;
	// ErrNotFound when the app is gone.
	Commit(ctx context.Context, c Commit) (version int64, err error)
	// Sweep removes keys that have expired and channels that hold nothing and that
	// nothing delivers, and forgets commits, idempotency keys and answers that need not
	// be known any more. An asynchronous request that was due for InvocationMemory and
	// whose script is gone, as far as the store knows scripts, is given up. It returns
	// when there is more to do (zero: nothing is due).
	Sweep(ctx context.Context, now time.Time) (next time.Time, err error)
}

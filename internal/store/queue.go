package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/value"
)

// ChannelKind is what the messages of a channel come from.
type ChannelKind string

// The kinds of channels. A channel's name is that of the queue, the
// subscription, the schedule, the KV trigger, or the script that is invoked
// asynchronously.
const (
	ChannelQueue    ChannelKind = "queue"
	ChannelTopic    ChannelKind = "topic"
	ChannelSchedule ChannelKind = "schedule"
	ChannelKV       ChannelKind = "kv"
	ChannelHTTP     ChannelKind = "http"
	// ChannelRemoved is the kind of what is left of a channel that was removed: the
	// messages that were worked on then. It is never shown.
	ChannelRemoved ChannelKind = "removed"
)

// Channel names where messages wait: everything that starts a script, except a
// plain HTTP request, is a message in a channel. A channel needs no creating.
type Channel struct {
	AppID string
	Kind  ChannelKind
	Name  string
}

// The limits of messages.
const (
	// MaxPayload is how long a message's payload may be, in bytes of the form in
	// which it is stored. That of a KV trigger's message, which holds a value of
	// this size and its key, may have value.MaxEnvelope more.
	MaxPayload = 1 << 20
	// MaxMessagePage is how much the payloads of one listing take, in bytes, unless
	// its first message alone is larger.
	MaxMessagePage = 4 << 20
	// MaxCommitMessages and MaxCommitPayload, in bytes, bound what one commit adds:
	// an event for many subscriptions counts for each, as does a key for KV triggers.
	MaxCommitMessages = 10_000
	MaxCommitPayload  = 64 << 20
	// MaxDepth is how long a chain of messages may be, each sent by the execution
	// that the one before started.
	MaxDepth = 16
	// MaxDelay is how far ahead a message may be due.
	MaxDelay = 365 * 24 * time.Hour
	// MaxIdempotencyKey is how long an idempotency key may be, in bytes.
	MaxIdempotencyKey = 256
	// IdempotencyMemory is for how long an idempotency key is known.
	IdempotencyMemory = 24 * time.Hour
	// MaxRequest is how long the payload of a message of the kind http may be.
	MaxRequest = 32 << 20
	// InvocationMemory is for how long the answer to an asynchronous request is known.
	InvocationMemory = 24 * time.Hour
	// SuspectCrashes is after how many deliveries that ended with the death of
	// their process a message is delivered by itself, one such message at a time.
	SuspectCrashes = 3
	// MaxCrashes is how many such deliveries make it a dead letter.
	MaxCrashes = 10
	// MaxClaimBytes is how long the payloads of the messages of one claim, or of one
	// offer, may be together, in bytes, unless it is one message.
	MaxClaimBytes = 16 << 20
)

// ErrLeaseLost: somebody else has the message now, or it is gone. Nothing has changed.
var ErrLeaseLost = errors.New("the lease of the message is lost")

// Message is one piece of durable work. It is in exactly one state: waiting
// (due, or later), leased, dead, or, if its channel is of the kind http, done.
type Message struct {
	ID string // UUIDv7
	Channel
	Source    string // what the script sees as the event's source: the queue, topic, schedule or key
	Payload   []byte // as package value writes it; of the kind http: the request
	Depth     int64  // 1 for what no execution caused
	CreatedAt time.Time
	// DueAt is when it may be delivered; of one that is leased: when the lease ends.
	DueAt time.Time
	// IdempotencyKey, for a new message: if the channel got one with the same key
	// within IdempotencyMemory, this one is not added. It is not kept with the message.
	IdempotencyKey string
	// TokenHash, for a new message of the kind http: what InvocationID knows it by, the
	// SHA-256 of the sender's token in hexadecimal. It is never returned.
	TokenHash string

	// What follows the store keeps.

	Attempts  int64 // deliveries that failed
	Crashes   int64 // deliveries whose process died
	Single    bool  // not to be delivered in a batch again
	Lease     string
	Owner     string // the node that has it
	DeadAt    time.Time
	LastError string
}

// TooManyCrashes is the last error of a message that is dead for its crashes.
var TooManyCrashes = fmt.Sprintf("the process died %d times while it handled this message", MaxCrashes)

// NobodyRan is the last error of an asynchronous request that is given up because
// nobody ran it.
var NobodyRan = fmt.Sprintf("nobody ran it within %.0f hours: is its script still deployed?", InvocationMemory.Hours())

// CheckIdempotencyKey reports, in words for the person who chose it, what is wrong
// with a key: at most MaxIdempotencyKey bytes of UTF-8 without NUL; empty: none.
func CheckIdempotencyKey(key string) error {
	switch {
	case len(key) > MaxIdempotencyKey:
		return fmt.Errorf("the idempotency key is %d bytes long, at most %d are allowed", len(key), MaxIdempotencyKey)
	case !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0:
		return errors.New("the idempotency key contains U+0000 or is not UTF-8")
	}
	return nil
}

// CheckMessageIDs reports, as ErrInvalid, what no message can have as its ID. What
// merely is none is found out by looking.
func CheckMessageIDs(ids []string) error {
	for i, id := range ids {
		switch {
		case id == "":
			return fmt.Errorf("%w: ID %d of the messages is empty", ErrInvalid, i+1)
		case !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0:
			return fmt.Errorf("%w: ID %d of the messages contains U+0000 or is not UTF-8", ErrInvalid, i+1)
		}
	}
	return nil
}

// Check reports what keeps a new message from being added, as ErrInvalid.
func (m *Message) Check() error {
	most := MaxPayload
	switch m.Kind {
	case ChannelKV:
		most += value.MaxEnvelope
	case ChannelHTTP:
		most = MaxRequest
	}
	switch {
	case len(m.Payload) > most:
		return fmt.Errorf("%w: the payload takes %d bytes, at most %d are allowed", ErrInvalid, len(m.Payload), most)
	case m.Depth > MaxDepth:
		return fmt.Errorf("%w: the message would be number %d of a chain in which each caused the next, at most %d are allowed", ErrInvalid, m.Depth, MaxDepth)
	case m.ID == "" || m.Name == "" || m.Kind == "":
		return fmt.Errorf("%w: a message needs an ID and a channel", ErrInvalid)
	}
	if err := CheckIdempotencyKey(m.IdempotencyKey); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// CheckMessages reports what keeps messages from being added together, as
// ErrInvalid.
func CheckMessages(list []Message) error {
	if len(list) > MaxCommitMessages {
		return fmt.Errorf("%w: one commit adds at most %d messages, those for each subscription and KV trigger counted", ErrInvalid, MaxCommitMessages)
	}
	size := 0
	for i := range list {
		if err := list[i].Check(); err != nil {
			return err
		}
		size += len(list[i].Payload)
	}
	if size > MaxCommitPayload {
		return fmt.Errorf("%w: the messages of one commit take at most %d MiB, those for each subscription and KV trigger counted", ErrInvalid, MaxCommitPayload>>20)
	}
	return nil
}

// MessageState is what happens to a message now.
type MessageState string

// The states.
const (
	MessageReady   MessageState = "ready"
	MessageDelayed MessageState = "delayed" // due later: sent with a delay, or to be tried again
	MessageLeased  MessageState = "in-flight"
	MessageDead    MessageState = "dead"
)

// State returns the message's state at a time.
func (m *Message) State(at time.Time) MessageState {
	switch {
	case !m.DeadAt.IsZero():
		return MessageDead
	case m.Lease != "" && m.DueAt.After(at):
		return MessageLeased
	case m.DueAt.After(at):
		return MessageDelayed
	}
	return MessageReady
}

// Claim asks for messages to work on, all of them at once: whatever is claimed
// when the process dies counts a crash.
type Claim struct {
	Channel Channel
	Max     int // at most so many deliveries
	// Batch is how many messages a delivery has, at most; 0 is 1. One that is Single,
	// or has crashed before, is a delivery by itself.
	Batch int
	// Alone asks for one message, and for none while another one of the channel is
	// leased, to whomever: Later.Due is then when that lease ends.
	Alone bool
	// Suspect asks for one message that has SuspectCrashes crashes or more. Without
	// it there is none of those.
	Suspect bool
	// Token names the lease: a new one, as NewID makes it, with which a claim whose
	// outcome is not known can be released. Empty: the store makes one.
	Token string
	Lease time.Duration // from At on
	// Owner is the node's name, which it keeps for ever; Boot names this start of its process.
	Owner, Boot string
	At          time.Time
}

// ByItself reports whether the message is a delivery of its own.
func (m *Message) ByItself() bool { return m.Single || m.Crashes > 0 }

// Weight is how much of a claim, which has room for Max times batch, messages take.
func Weight(list []Message, batch int) (weight int) {
	for i := range list {
		if list[i].ByItself() {
			weight += batch
		} else {
			weight++
		}
	}
	return weight
}

// Later says what a claim has left. Zero times: nothing.
type Later struct {
	// Due is when more are due, suspects aside, if there were fewer than asked for. It
	// may have passed: while others claim of the channel, and when one claim would
	// hold too many bytes.
	Due time.Time
	// Suspect is when the first suspect is due. A claim of one does not say.
	Suspect time.Time
}

// Returned is a message that was not finished.
type Returned struct {
	ID      string
	DueAt   time.Time // when it may be delivered again
	Failed  bool      // it counts as an attempt
	Crashed bool      // it counts as a crash: the process in which its handler ran died
	Dead    bool      // it is a dead letter from now on
	Single  bool      // it is not to be delivered in a batch again
	Error   string    // why, for the script's author; empty: as before
}

// ChannelState is what there is of a channel.
type ChannelState struct {
	Channel
	Paused bool
	// Messages by state.
	Ready, Delayed, Leased, Dead int64
	// Oldest is when the oldest message that is ready fell due; zero: none is.
	Oldest time.Time
}

// MessageFilter selects messages of a channel in the order of their IDs.
type MessageFilter struct {
	Channel Channel
	State   MessageState // empty: any
	After   string       // only those with a higher ID
	Limit   int          // 1 to 1000
	At      time.Time    // what is ready then
}

// Invocation is the answer to an asynchronous request, that is, to a message of
// the kind http.
type Invocation struct {
	ID         string // the message's
	AppID      string
	Script     string // name
	FinishedAt time.Time
	Attempts   int64  // that failed before; the store knows
	Response   []byte // in the form that the orchestrator gives it
}

// Queue keeps messages until they are done. What Commit adds and acknowledges is
// part of it.
type Queue interface {
	// SetQuota bounds what each app may have from now on; until then nothing does.
	SetQuota(q Quota)
	MessageUsage(ctx context.Context, appID string) (MessageUsage, error)
	// Enqueue adds messages, all or none, and returns those that were added: not
	// those whose idempotency key was known. ErrInvalid; ErrQuota; ErrNotFound when
	// the app is gone.
	Enqueue(ctx context.Context, list ...Message) (added []Message, err error)
	// Claim leases messages that are due, the longest due first and at most
	// MaxClaimBytes, and counts a crash for each whose lease ended without being
	// returned. A channel that is paused has none.
	Claim(ctx context.Context, c Claim) (list []Message, later Later, err error)
	// Release ends a lease of an owner without counting anything: of a claim that is
	// not known to have happened.
	Release(ctx context.Context, owner, lease string, at time.Time) error
	// Extend makes leases last until the given time and returns the IDs of those
	// that are lost.
	Extend(ctx context.Context, lease string, ids []string, until time.Time) (lost []string, err error)
	// Return ends leases without an acknowledgement. What is no longer leased
	// under lease stays as it is.
	Return(ctx context.Context, lease string, list []Returned, at time.Time) error
	// Recover ends the leases that a former process of the same owner left
	// behind, and counts a crash for each.
	Recover(ctx context.Context, owner, boot string, at time.Time) (recovered int64, err error)
	// SetBack says that the clock was set back from one time to another: what was
	// due is so still, and what was to wait waits no longer than it would have. A
	// delay that began longer ago than the clock was set back by keeps its end. Leases
	// stay. Said again, by another process that has noticed it, what waits comes early.
	SetBack(ctx context.Context, from, to time.Time) error

	// DueChannels returns every channel that has messages which are not dead, and
	// when its first is due.
	DueChannels(ctx context.Context) (map[Channel]time.Time, error)
	// Channels returns an app's channels of a kind (empty: all) that have, or had,
	// messages or a state of their own, by kind and name.
	Channels(ctx context.Context, appID string, kind ChannelKind, at time.Time) ([]ChannelState, error)
	// Channel returns one; its zero state if it never had a message.
	Channel(ctx context.Context, c Channel, at time.Time) (ChannelState, error)
	// Messages returns a page of messages. more says that there are further ones: the
	// page was cut by its limit or by MaxMessagePage.
	Messages(ctx context.Context, f MessageFilter) (list []Message, more bool, err error)
	Message(ctx context.Context, appID, id string) (Message, error)
	// InvocationID returns the ID of the asynchronous request with a token, whether it
	// is finished or not.
	InvocationID(ctx context.Context, tokenHash string) (id string, err error)
	// Invocation returns the answer to an asynchronous request, until it is forgotten.
	Invocation(ctx context.Context, appID, id string) (Invocation, error)
	// Redrive makes dead letters due again, with their attempts forgotten: those
	// with the IDs, or all of the channel's if there are none. It returns how many;
	// ErrInvalid for what CheckMessageIDs refuses.
	Redrive(ctx context.Context, c Channel, ids []string, at time.Time) (int64, error)
	// Purge deletes messages that are ready or delayed, or dead ones if dead is
	// set: those with the IDs, or all of the channel's. It returns how many;
	// ErrInvalid for what CheckMessageIDs refuses.
	Purge(ctx context.Context, c Channel, dead bool, ids []string) (int64, error)
	// Remove deletes a channel with its messages and idempotency keys. What is worked
	// on ends as it will; if it is not acknowledged then, it is deleted.
	Remove(ctx context.Context, c Channel) error
	// Pause keeps a channel's messages from being claimed, or lets them again.
	Pause(ctx context.Context, c Channel, paused bool) error

	// Watch registers f to be called when messages may be due: after each commit
	// that adds some, makes some due or resumes the channel, with the earliest
	// time; and for commits by other processes as soon as the database tells of
	// them. The zero Channel means: of any channel. f must not block or call the
	// store. The returned function ends it.
	Watch(f func(c Channel, due time.Time)) (stop func())
	// HandOff registers f to be asked about messages that are added and due at once:
	// it may offer a lease under which they are added, and whoever makes the offer
	// works on them without claiming them. What is leased so is not announced. f is
	// called inside transactions, for n messages of a channel; it must not block or
	// call the store. The returned function ends it; while it is registered there is
	// no other.
	HandOff(f func(c Channel, n int) *Offer) (stop func())
}

// Offer is a lease for messages that are about to be added: MaxClaimBytes at most. A
// channel that is paused takes none.
type Offer struct {
	Max         int // at most so many messages
	Token       string
	Owner, Boot string // as those of a Claim
	Until       time.Time
	// Settle is called once, when the transaction has ended, with the messages that
	// are leased now. known is false when it is not known whether they are: the lease
	// is to be released then. It must not block or call the store.
	Settle func(list []Message, known bool)
}

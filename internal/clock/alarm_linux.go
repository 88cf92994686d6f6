package clock

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// fdAlarm is a timerfd on the real-time clock. A goroutine is parked on it in
// the runtime's poller, so that waiting costs no thread and no wake-up.
type fdAlarm struct {
	fd   int
	file *os.File
	step func() // rings, and tells that the wall clock was set
}

// newAlarm falls back to the runtime's timers where a sandbox forbids timerfd.
func newAlarm(ring, stepped func()) alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &runtimeAlarm{ring: ring}
	}
	a := &fdAlarm{fd: fd, file: os.NewFile(uintptr(fd), "timerfd"), step: func() { stepped(); ring() }}
	go func() {
		// The clock, and so this goroutine, lives as long as the process.
		var expirations [8]byte
		for {
			// ECANCELED says that the wall clock was stepped: what is due now, and
			// when the rest is, has to be looked at in that case too. Any other
			// error would come again at once and for ever.
			switch _, err := a.file.Read(expirations[:]); {
			case err == nil:
				ring()
			case errors.Is(err, unix.ECANCELED):
				a.step()
			default:
				panic("clock: " + err.Error())
			}
		}
	}()
	return a
}

func (a *fdAlarm) set(at time.Time) {
	var spec unix.ItimerSpec // zero: disarmed
	if !at.IsZero() {
		// Time zero would disarm it as well; a nanosecond later is as much in the past.
		spec.Value = unix.NsecToTimespec(max(at.UnixNano(), 1))
	}
	switch err := unix.TimerfdSettime(a.fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil); {
	case err == nil:
	case errors.Is(err, unix.ECANCELED):
		// It is set, but the wall clock was, too, and the goroutine that reads will
		// not be told any more.
		go a.step()
	default:
		// It can only fail for arguments that are wrong in themselves.
		panic("clock: timerfd_settime: " + err.Error())
	}
}

//go:build !linux

package clock

func newAlarm(ring, _ func()) alarm { return &runtimeAlarm{ring: ring} }

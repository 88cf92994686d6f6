//go:build !linux

package clock

func newAlarm(ring func()) alarm { return &runtimeAlarm{ring: ring} }

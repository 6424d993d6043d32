// Package xraytest stands in for the X-Ray daemon, in tests.
package xraytest

import (
	"net"
	"testing"
)

// Daemon takes what is sent to it, and looks at none of it.
type Daemon struct{ conn *net.UDPConn }

// Listen starts a daemon that ends with the test.
func Listen(t testing.TB) *Daemon {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // it may be closed already
	return &Daemon{conn}
}

// Setting is the environment variable that has traces sent to the daemon.
func (d *Daemon) Setting() string { return "AWS_XRAY_DAEMON_ADDRESS=" + d.conn.LocalAddr().String() }

// Close ends the daemon before its time.
func (d *Daemon) Close() error { return d.conn.Close() }

// Received are the datagrams that have come in since the last call: all those before one of the daemon's own.
func (d *Daemon) Received(t testing.TB) (datagrams []string) {
	t.Helper()
	const last = "no more"
	if _, err := d.conn.WriteTo([]byte(last), d.conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	for buffer := make([]byte, 64<<10); ; {
		n, err := d.conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if string(buffer[:n]) == last {
			return datagrams
		}
		datagrams = append(datagrams, string(buffer[:n]))
	}
}

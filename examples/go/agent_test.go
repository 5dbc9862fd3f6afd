package agent

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// emulate starts an emulator for one test and returns its URL and that of its control socket.
func emulate(t *testing.T, arguments ...string) (url, control string) {
	program := os.Getenv("VIRT_METADATA")
	if program == "" {
		program = "virt-metadata"
	}
	command := exec.Command(program, append([]string{"emulate", "--clock", "manual", "--control", "127.0.0.1:0"}, arguments...)...)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
	})
	// It prints `example: URL` and `control: URL` once it answers.
	lines := bufio.NewScanner(output)
	for _, place := range []*string{&url, &control} {
		if !lines.Scan() {
			t.Fatal("the emulator does not start")
		}
		_, *place, _ = strings.Cut(lines.Text(), ": ")
	}
	return url, control
}

func advance(t *testing.T, control string, seconds int) {
	reply, err := http.Post(control+"/clock", "application/json", strings.NewReader(fmt.Sprintf(`{"advance": %d}`, seconds)))
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
}

func TestInterruption(t *testing.T) {
	url, control := emulate(t, "--scenario", "spot,delay=30s,action=stop", "--session-tokens", "required")
	if notice, err := Look(url); notice != nil || err != nil {
		t.Fatalf("before: %v, %v", notice, err)
	}
	advance(t, control, 30)
	notice, err := Look(url)
	if err != nil || notice == nil || notice.Action != "stop" || notice.Time.IsZero() {
		t.Fatalf("after: %v, %v", notice, err)
	}
}

func TestUnavailable(t *testing.T) {
	url, _ := emulate(t, "--scenario", "slow-boot,silent=0s,unavailable=10s")
	if notice, err := Look(url); err == nil {
		t.Fatalf("no error, but %v", notice)
	}
}

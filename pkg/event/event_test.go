package event

var origin = Origin{ReceivedAt: 1795339800500, Producer: "shop", RequestID: "Bx3dEf==", Attempt: 0, EventID: "derived-id"}

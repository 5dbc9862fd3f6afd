#pragma once
#include <stddef.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

// virConnectDomainEventRegisterAny and virConnectNetworkEventRegisterAny take every callback as one generic function
// pointer and trust the caller that its true type belongs to the event's number. Swift cannot cast function pointers, and
// should not have to be trusted: each of these functions ties one event's number to the type that libvirt documents for it.

static inline int shim_on_domain_lifecycle(virConnectPtr connection, virConnectDomainEventCallback callback, void *opaque,
                                           virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int shim_on_domain_reboot(virConnectPtr connection, virConnectDomainEventGenericCallback callback, void *opaque,
                                        virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, callback, opaque, release);
}

static inline int shim_on_domain_metadata_change(virConnectPtr connection, virConnectDomainEventMetadataChangeCallback callback,
                                                 void *opaque, virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int shim_on_domain_device_added(virConnectPtr connection, virConnectDomainEventDeviceAddedCallback callback,
                                              void *opaque, virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int shim_on_domain_device_removed(virConnectPtr connection, virConnectDomainEventDeviceRemovedCallback callback,
                                                void *opaque, virFreeCallback release) {
    return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
                                            VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int shim_on_network_lifecycle(virConnectPtr connection, virConnectNetworkEventLifecycleCallback callback,
                                            void *opaque, virFreeCallback release) {
    return virConnectNetworkEventRegisterAny(connection, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                             VIR_NETWORK_EVENT_CALLBACK(callback), opaque, release);
}

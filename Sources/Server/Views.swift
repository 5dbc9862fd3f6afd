package import Common
import EC2API
import NoCloudAPI
import OpenStackAPI

/// The views that guests are offered; the first one that claims a path answers.
package let views: [any MetadataView] = [
    OpenStackView(),
    NoCloudView(),
    EC2View(),  // claims every path, so it comes last
]

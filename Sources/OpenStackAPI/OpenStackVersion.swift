import Common

/// The dated versions of the OpenStack metadata documents: each is the first release of Nova with a change to the documents.
package enum OpenStackVersion: String, SchemaVersion {
    case v2012_08_10 = "2012-08-10"
    case v2013_04_04 = "2013-04-04"
    case v2013_10_17 = "2013-10-17"
    case v2015_10_15 = "2015-10-15"
    case v2016_06_30 = "2016-06-30"
    case v2016_10_06 = "2016-10-06"
    case v2017_02_22 = "2017-02-22"
    case v2018_08_27 = "2018-08-27"
    case v2020_10_14 = "2020-10-14"
    case v2025_04_04 = "2025-04-04"
}
